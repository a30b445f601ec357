/** The command as users run it: a process of its own, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after } from 'node:test'
import { packageRoot } from '../../src/base/package-root.ts'

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const main = join(packageRoot(), 'dist/src/cli/main.js')
const running = new Set<ChildProcess>()
after(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Servers that the environment of the tests names are left out: each test says which it means. */
export function start(cwd: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const { PATH = '', HOME = '', XDG_CACHE_HOME, JAVA_HOME } = process.env
  const kept = { PATH, HOME, ...(XDG_CACHE_HOME && { XDG_CACHE_HOME }), ...(JAVA_HOME && { JAVA_HOME }) }
  const child = spawn(process.execPath, [main, ...args], { cwd, env: { ...kept, ...env }, stdio: 'pipe' })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export async function millrace(
  cwd: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Result> {
  const child = start(cwd, args, env)
  child.stdin?.end(input)
  const said = heard(child)
  const [code] = await once(child, 'close')
  return { code, ...said }
}

/** Grows while the process runs. */
export function heard(child: ChildProcess): { stdout: string; stderr: string } {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk
    })
  }
  return said
}
