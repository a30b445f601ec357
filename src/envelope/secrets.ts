/**
 * Secret fields of an event in memory: the envelope has `[secret]` in their places, and what they are is kept apart, where
 * nothing finds it that does not ask for the very field.
 */
import { inspect } from 'node:util'
import type { Envelope } from './envelope.ts'
import type { Json } from './json.ts'
import { Scrubber } from './scrub.ts'
import { hidden, replaceAt, type SecretPath } from './secret-path.ts'

type Content = Pick<Envelope, 'meta' | 'data'>

export class Secrets {
  readonly #content: Content
  readonly #paths: readonly SecretPath[]
  #scrubber: Scrubber | undefined

  constructor(content: Content, paths: readonly SecretPath[]) {
    this.#content = content
    this.#paths = paths
  }

  /** The event with these of its secret fields in their places. */
  reveal(event: Envelope, paths: readonly SecretPath[]): Envelope {
    const shown = new Set(paths.map(({ text }) => text))
    const others = this.#paths.filter(({ text }) => !shown.has(text))
    return { ...event, ...redacted(this.#content, others) }
  }

  /** As its producer sent it. */
  all(event: Envelope): Envelope {
    const { meta, data } = this.#content
    return { ...event, meta, data }
  }

  /** Finds every text and number in them where they must not be. */
  get scrubber(): Scrubber {
    this.#scrubber ??= new Scrubber([...new Set(this.#leaves())])
    return this.#scrubber
  }

  #leaves(): string[] {
    const texts: string[] = []
    const collect = (value: Json) => {
      leavesOf(value, texts)
      return null
    }
    replaceIn(this.#content, this.#paths, collect)
    return texts
  }

  /** Nothing that writes an event down by mistake writes these. */
  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}

/** The envelope of an event without its secret fields, which go with it apart. */
export function concealed(event: Envelope, paths: readonly SecretPath[]): Envelope {
  if (paths.length === 0) return event
  const { meta, data } = event
  return { ...event, ...redacted(event, paths), secrets: new Secrets({ meta, data }, paths) }
}

/** Without them for good. */
export function redacted(content: Content, paths: readonly SecretPath[]): Content {
  return replaceIn(content, paths, () => hidden)
}

/** Of paths that meet, the later one is replaced last. */
export function replaceIn(
  { meta, data }: Content,
  paths: readonly SecretPath[],
  replace: (value: Json, at: string) => Json,
): Content {
  let content: Content = { meta, data }
  for (const path of paths) {
    if (path.root === 'data') content = { ...content, data: replaceAt(content.data, path, replace) }
    else content = { ...content, meta: withHeader(content.meta, path.segments[0] as string, replace) }
  }
  return content
}

function withHeader(meta: Content['meta'], name: string, replace: (value: Json, at: string) => Json): Content['meta'] {
  const value = meta[name]
  return value === undefined ? meta : { ...meta, [name]: replace(value, `meta.${name}`) as string }
}

function leavesOf(value: Json, into: string[]): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value !== 'object') into.push(String(value))
  else for (const inner of Object.values(value)) leavesOf(inner, into)
}
