/** Coordinators as users run them: `millrace run` in a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { packageRoot } from '../../src/base/package-root.ts'
import { atEnd } from './at-end.ts'

export interface RunningCoordinator {
  readonly pid: number
  /** What it has logged so far. */
  readonly logs: () => string
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  signal(signal: NodeJS.Signals): void
}

export function runCoordinator(workflowsDir: string, env: Readonly<Record<string, string>>): RunningCoordinator {
  const main = join(packageRoot(), 'dist/src/cli/main.js')
  const child = spawn(process.execPath, ['--enable-source-maps', main, 'run', '--workflows', workflowsDir], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      MILLRACE_HTTP_PORT: '0',
      MILLRACE_LOG_FORMAT: 'json',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => child.kill('SIGKILL'))
  let logs = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (logs += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (logs += chunk))
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }))
  return { pid: child.pid as number, logs: () => logs, exited, signal: (signal) => void child.kill(signal) }
}
