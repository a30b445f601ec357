/**
 * Ends this process and all it has started within 200 ms of the coordinator's death, also when its event loop is
 * blocked: a thread of its own looks at the parent's id, which changes when the parent dies.
 */
import { Worker } from 'node:worker_threads'

const lookEveryMs = 200

export function dieWithCoordinator(coordinatorPid: number): void {
  const program = `
    const clock = new Int32Array(new SharedArrayBuffer(4))
    while (process.ppid === ${coordinatorPid}) Atomics.wait(clock, 0, 0, ${lookEveryMs})
    process.kill(-${process.pid}, 'SIGKILL')`
  const thread = new Worker(program, {
    eval: true,
    env: {},
    execArgv: [],
    // Else Node opens this process's own stdout and stderr for it, and makes them fail where a write should wait.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  })
  thread.unref()
}
