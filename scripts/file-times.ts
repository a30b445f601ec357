/** A reporter for node:test: one line a test file, how many ms it took from start to end. The gate closes with the slowest. */
interface Report {
  readonly type: string
  readonly data: { readonly nesting?: number; readonly name?: string }
}

export default async function* fileTimes(reports: AsyncIterable<Report>): AsyncGenerator<string> {
  const startedMs = new Map<string, number>()
  for await (const { type, data } of reports) {
    const { nesting, name = '' } = data ?? {}
    // The runner reports each file as a test of its own, named by its path, around those in it.
    if (nesting !== 0 || !name.endsWith('.test.js')) continue
    if (type === 'test:dequeue') startedMs.set(name, performance.now())
    const begin = startedMs.get(name)
    if (type === 'test:complete' && begin !== undefined) yield `${Math.round(performance.now() - begin)} ${name}\n`
  }
}
