/** One lane's outbox in memory, under its fence. */
import type { HeldLane, OutboxBite, OutboxLedger, OutboxMessage } from '../../src/coordinator/ports.ts'

export class FakeOutboxLedger implements OutboxLedger {
  epoch = 1
  publishedSeq = 0
  readonly marks: number[] = []
  #messages: OutboxMessage[] = []

  /** Adds messages; numbers go on from the last. */
  write(...parts: readonly Partial<OutboxMessage>[]): void {
    for (const part of parts) {
      const seq = this.#messages.length + 1
      const plain = {
        transactionId: null,
        topic: 't',
        key: null,
        value: null,
        headers: '{}',
        error: null,
        letter: null,
      }
      this.#messages.push({ id: `id ${seq}`, ...plain, ...part, seq })
    }
  }

  get length(): number {
    return this.#messages.length
  }

  /** In their order. */
  get ids(): string[] {
    return this.#messages.map(({ id }) => id)
  }

  /** As a restore from yesterday's backup does it. */
  setBack(length: number, publishedSeq: number): void {
    this.#messages = this.#messages.slice(0, length)
    this.publishedSeq = publishedSeq
  }

  errorOf(seq: number): string | null {
    return this.#messages[seq - 1]?.error ?? null
  }

  async outboxPlace({ epoch }: HeldLane, seq: number) {
    if (epoch !== this.epoch) return null
    return { publishedSeq: this.publishedSeq, id: this.#messages[seq - 1]?.id ?? null }
  }

  async unpublished({ epoch }: HeldLane, afterSeq: number, { rows }: OutboxBite) {
    return epoch === this.epoch ? this.#messages.slice(afterSeq, afterSeq + rows) : null
  }

  async markPublished({ epoch }: HeldLane, seq: number): Promise<boolean> {
    if (epoch !== this.epoch) return false
    this.marks.push(seq)
    this.publishedSeq = Math.max(this.publishedSeq, seq)
    return true
  }

  async refuseMessage({ epoch }: HeldLane, seq: number, error: string): Promise<boolean> {
    if (epoch !== this.epoch) return false
    this.#messages[seq - 1] = { ...(this.#messages[seq - 1] as OutboxMessage), error }
    return true
  }
}
