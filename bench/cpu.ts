/** CPU time of processes and all they have started, from /proc (Linux). Times in seconds. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ, which Linux has fixed at 100 for what it shows in /proc. */
const ticksPerSecond = 100

interface ProcessTimes {
  readonly pid: number
  readonly parent: number
  readonly seconds: number
}

/** Of the process and its descendants, those that have ended and were waited for included. */
export function treeSeconds(root: number): number {
  return treeOf(root).reduce((sum, { seconds }) => sum + seconds, 0)
}

/** Resident memory of the process and its descendants, in MiB; what they share counts for each of them. */
export function treeResidentMb(root: number): number {
  return treeOf(root).reduce((sum, { pid }) => sum + residentMb(pid), 0)
}

/** How many descendants it has. */
export function descendants(root: number): number {
  return Math.max(0, treeOf(root).length - 1)
}

/** Of the process alone, without children. */
export function ownSeconds(pid: number): number {
  const fields = fieldsOf(pid)
  return fields === null ? 0 : (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of the process alone, in MiB. */
export function residentMb(pid: number): number {
  const status = readOr(`/proc/${pid}/status`)
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

function treeOf(root: number): ProcessTimes[] {
  const all = readAll()
  const tree = new Set([root])
  for (let grown = true; grown; ) {
    grown = false
    for (const { pid, parent } of all) {
      if (!tree.has(parent) || tree.has(pid)) continue
      tree.add(pid)
      grown = true
    }
  }
  return all.filter(({ pid }) => tree.has(pid))
}

function readAll(): ProcessTimes[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.flatMap((name) => timesOf(Number(name)) ?? [])
}

function timesOf(pid: number): ProcessTimes | null {
  const fields = fieldsOf(pid)
  if (fields === null) return null
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0)
  return { pid, parent: Number(fields[1]), seconds: ticks / ticksPerSecond }
}

/** What follows the name, which may hold anything: state, parent, … (proc_pid_stat(5)). */
function fieldsOf(pid: number): string[] | null {
  const text = readOr(`/proc/${pid}/stat`)
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
