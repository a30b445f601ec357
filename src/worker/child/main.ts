/**
 * The program of a worker process: loads one function and runs attempts of it until its pipe is closed. Whatever it
 * imports is paid at every start, so it imports little.
 */
import { readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crashPoint } from '../../base/crash-point.ts'
import type { ChildSettings } from '../wire.ts'
import { createAttempts } from './attempts.ts'
import { captureOutput } from './capture.ts'
import { dieWithCoordinator } from './die.ts'
import { openLink } from './link.ts'
import { load } from './load.ts'
import { catchStray } from './stray.ts'
import type { Tracing } from './tracing.ts'

const settings: ChildSettings = JSON.parse(process.argv[2]!)
// An author's code sees an ordinary command line.
process.argv = [process.argv[0]!, settings.module]

keepCompiled()
dieWithCoordinator(settings.coordinatorPid)
const link = openLink()
const tracing = await tracingOf(settings)
const attempts = createAttempts(link, settings, tracing)
captureOutput()
catchStray(attempts)
process.on('exit', () => {
  attempts.sendLogs()
  tracing?.flush()
  link.flush()
})

const loaded = await load(settings.module)
crashPoint('worker.loaded')
if ('run' in loaded) {
  link.listen((head, body) => attempts.take(loaded, head, body))
  const { concurrency = null, idempotent, effects } = loaded
  link.send(['hello', concurrency, idempotent !== false, effects === 'none'], 'null')
  link.flush()
} else {
  link.send(['unfit', loaded.code, loaded.message], 'null')
  link.flush()
  process.exit(0)
}

/**
 * Before the author's module: what that asks for while it is loaded is there then. It costs a process's start as much as all else,
 * so a module that can reach no OpenTelemetry goes without.
 */
async function tracingOf({ module, tracing: file, spanBytesMax }: ChildSettings): Promise<Tracing | null> {
  if (file === null || !mayTrace(readFileSync(module, 'utf8'))) return null
  const { startTracing }: typeof import('./tracing.ts') = await import(pathToFileURL(file).href)
  return startTracing(spanBytesMax, (spans, dropped) => link.send(['spans', dropped], spans))
}

/** As it was built: it names what it imports besides Node's own modules, or may make a name up. */
function mayTrace(built: string): boolean {
  const [code = ''] = built.split('\n//# sourceMappingURL=')
  const others = code.replaceAll(/"file:[^"]*\/millrace-zod-[^"]*"/g, '')
  return /opentelemetry|["'`](?:file|data):|\bimport\s*\(|\b(?:createR|r)equire\b|getBuiltinModule|\beval\b|\bFunction\s*\(/.test(
    others,
  )
}

/** Node 22 and later keep what V8 has compiled: 15 ms less of every start with zod. */
function keepCompiled(): void {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder: string) => unknown }
  enableCompileCache?.(join(import.meta.dirname, 'v8'))
}
