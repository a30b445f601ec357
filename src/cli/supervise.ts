/** Waits for an engine's end, wished or not. */
import { messageOf } from '../base/error.ts'
import type { Engine } from '../engine.ts'
import { publish } from '../telemetry/channels.ts'

/** Resolves when somebody asks to stop; throws what breaks the engine. */
export async function supervise(engine: Engine, asked: Promise<void>): Promise<void> {
  const broken = await Promise.race([asked, engine.failed])
  if (!broken) return
  publish('notice', { level: 'error', message: `the engine has failed: ${messageOf(broken)}` })
  throw broken
}
