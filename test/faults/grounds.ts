/** Servers for the rows: one pair for all of them, a second pair only when rows break servers that are not ours. */
import { type Ground, startGround } from './ground.ts'
import type { Row } from './row.ts'

export class Grounds {
  #shared: Promise<Ground> | undefined
  #own: Promise<Ground> | undefined

  async for(row: Pick<Row, 'breaksServers'>): Promise<Ground> {
    this.#shared ??= startGround({ own: false })
    const shared = await this.#shared
    if (!row.breaksServers || (shared.kafka && shared.postgres)) return shared
    this.#own ??= startGround({ own: true })
    return this.#own
  }

  async stop(keepData: boolean): Promise<void> {
    const started = await Promise.allSettled([this.#shared, this.#own])
    for (const each of started) if (each.status === 'fulfilled') await each.value?.stop(keepData)
  }
}
