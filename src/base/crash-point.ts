/**
 * Named places where a fault test has the process die as a power cut would: `MILLRACE_CRASH_AT=commit.sent:3` kills it at
 * the third pass of that place. No exit handler runs, nothing is flushed. Without the variable a place is an empty call.
 */
import { EngineError } from './error.ts'

/** Every place, in the order of an event's way. Names that begin with `worker.` lie in the processes of functions. */
export const crashPoints = [
  'door.claimed',
  'door.before-write',
  'door.written',
  'door.settled',
  'door.answered',
  'lane.before-create',
  'lane.before-epoch',
  'lane.after-epoch',
  'lane.loaded',
  'lane.opened',
  'intake.assigned',
  'intake.fetched',
  'record.before-decode',
  'record.admitted',
  'commit.before-send',
  'commit.returned',
  'commit.between-halves',
  'settle.before-epochs',
  'settle.after-epochs',
  'acts.before',
  'acts.dispatched',
  'recall.loaded',
  'rest.recorded',
  'rest.due',
  'signal.untold',
  'signal.nudged',
  'signal.found',
  'signal.claimed',
  'child.admitted',
  'child.ended',
  'turn.recorded',
  'abort.before',
  'undo.before',
  'undo.recorded',
  'reopened.recorded',
  'worker.loaded',
  'worker.before-call',
  'worker.after-call',
  'worker.answered',
  'result.received',
  'result.before-fold',
  'timer.fired',
  'outbox.before-send',
  'outbox.sent',
  'outbox.marked',
  'kafka-commit.before',
  'kafka-commit.after',
  'renew.before',
  'renew.after',
  'handover.begun',
  'handover.drained',
  'release.before',
  'release.after',
  'stop.before-drain',
  'stop.drained',
  'stop.before-leave',
  'stop.left',
] as const

export type CrashPoint = (typeof crashPoints)[number]

/** The variable, for whoever gives it to a process on purpose. */
export const crashAt = 'MILLRACE_CRASH_AT'

/** Dies here when it is told to. */
export const crashPoint: (name: CrashPoint) => void = armed(process.env[crashAt])

/** Throws `EngineError` `crash_point_unknown`: a test that names no place would pass for nothing. */
export function checkCrashAt(asked: string | undefined = process.env[crashAt]): void {
  if (!asked || read(asked)) return
  throw new EngineError(
    'crash_point_unknown',
    `${crashAt}: ${JSON.stringify(asked)} is no crash point, expected NAME or NAME:PASS with a pass from 1 and one of ` +
      `these names: ${crashPoints.join(', ')}`,
  )
}

/** For the environment of a worker process: set only when the place lies there. */
export function crashAtForWorkers(asked: string | undefined = process.env[crashAt]): Readonly<Record<string, string>> {
  return asked?.startsWith('worker.') ? { [crashAt]: asked } : {}
}

function armed(asked: string | undefined): (name: CrashPoint) => void {
  const at = asked ? read(asked) : null
  if (!at) return () => undefined
  let passes = 0
  return (name) => {
    if (name === at.name && ++passes === at.pass) die()
  }
}

function read(asked: string): { readonly name: CrashPoint; readonly pass: number } | null {
  const [, name, pass = '1'] = /^([^:]+)(?::([1-9]\d*))?$/.exec(asked) ?? []
  const known = crashPoints.find((each) => each === name)
  return known ? { name: known, pass: Number(pass) } : null
}

/** The signal may take a moment to arrive, in which nothing further may happen. */
function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
