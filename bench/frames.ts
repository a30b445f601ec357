/** Loaded into a coordinator before everything else: counts what it gives to its worker processes, and says so when asked. */
import { subscribe } from 'node:diagnostics_channel'

const counted = { frames: 0, calls: 0 }

subscribe('millrace:dispatch', (fact) => {
  const { invocations, frames = 1 } = fact as { invocations: number; frames?: number }
  counted.frames += frames
  counted.calls += invocations
})
process.on('message', () => process.send?.(counted))
process.channel?.unref()
