/** How much memory a process really uses, its buffers included. */
import { readFileSync } from 'node:fs'

/** Resident memory in MB; null where the system does not tell (it is not Linux, or the process is gone). */
export function residentMb(pid: number): number | null {
  if (process.platform !== 'linux') return null
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return kb === null ? null : Number(kb[1]) / 1024
  } catch {
    return null
  }
}
