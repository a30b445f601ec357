/** Whether a process lives, and whether it is still the one we knew: pids are given again, and in containers soon. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** One life of one pid. */
export interface Life {
  readonly pid: number
  /** When it was born, in the words of this system; only compared. */
  readonly born: string
}

export function lifeOf(pid: number): Life | null {
  const born = process.platform === 'linux' ? bornOnLinux(pid) : bornElsewhere(pid)
  return born === null ? null : { pid, born }
}

export function lives(life: Life): boolean {
  return lifeOf(life.pid)?.born === life.born
}

/** False for a zombie too, where the system tells. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return process.platform !== 'linux' || bornOnLinux(pid) !== null
}

/** Fields 3 (state) and 22 (start time in ticks since boot) of /proc/PID/stat; the name before them may hold anything. */
function bornOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return fields[0] === 'Z' || fields[0] === 'X' ? null : `${boot}:${fields[19]}`
  } catch {
    return null
  }
}

function bornElsewhere(pid: number): string | null {
  const ps = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } })
  return ps.stdout?.trim() || null
}
