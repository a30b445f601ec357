/** A container that runs is not yet a server that answers, and one that never answers must say why. */
import type { StartedTestContainer, TestContainer } from 'testcontainers'
import { EngineError, messageOf } from '../../src/base/error.ts'
import { retryFor } from '../../src/base/poll.ts'

/** Kafka needs about 5 s on two busy cores; after this something is wrong. */
const answersWithinMs = 60_000
const shownLines = 20
/** The log of a container that still runs has no end of its own. */
const logWithinMs = 2000

/** Throws when there is no such image, or when its program ends at once. */
export async function start(definition: TestContainer, image: string): Promise<StartedTestContainer> {
  try {
    return await definition.start()
  } catch (cause) {
    throw new EngineError('container_failed', `${image} does not start: ${messageOf(cause)}`, { cause })
  }
}

/** Runs `prepare` once, then `ask` until it does not throw. When that fails the container is stopped, and its log shown. */
export async function whenReady(
  container: StartedTestContainer,
  image: string,
  ask: () => Promise<void>,
  prepare: () => Promise<void> = async () => {},
): Promise<void> {
  try {
    await prepare()
    await retryFor(ask, { forMs: answersWithinMs, maxMs: 500 })
  } catch (cause) {
    const log = await lastLines(container)
    await container.stop()
    throw new EngineError('container_failed', `${image} does not answer: ${messageOf(cause)}\n${log}`, { cause })
  }
}

async function lastLines(container: StartedTestContainer): Promise<string> {
  const stream = await container.logs({ tail: shownLines })
  const timer = setTimeout(() => stream.destroy(), logWithinMs)
  let text = ''
  try {
    for await (const chunk of stream) text += chunk
  } catch {
    // Cut off by the timer: what has come is enough.
  }
  clearTimeout(timer)
  return text.trimEnd()
}
