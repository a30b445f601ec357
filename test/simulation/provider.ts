/**
 * The world outside, that functions act on: a provider with a book of its own. Whoever gives it an idempotency key is
 * charged once for it and hears the same answer again; whoever gives none is charged each time.
 */

export interface Charge {
  readonly transactionId: string
  readonly step: string
  readonly atUs: number
  readonly answer: string
  /** It was given back. */
  isVoid: boolean
}

export class Provider {
  /** By the seed of the idempotency key. */
  readonly keyed = new Map<string, Charge>()
  /** Of functions that are not idempotent, by the seed that they do not tell. */
  readonly unkeyed = new Map<string, Charge[]>()
  /** Keys under which nothing is charged any more, also if it comes late. */
  readonly voided = new Set<string>()
  /** Those that were declined. */
  readonly refused = new Set<string>()
  #count = 0

  /** Null: what was to be charged was undone before, or declined. */
  charge(key: string, transactionId: string, step: string, atUs: number): Charge | null {
    const known = this.keyed.get(key)
    if (known) return known
    if (this.voided.has(key) || this.refused.has(key)) return null
    const charge = this.#charge(transactionId, step, atUs)
    this.keyed.set(key, charge)
    return charge
  }

  /** Nothing will be charged under this key, whoever asks. False: it was. */
  refuse(key: string): boolean {
    if (this.keyed.get(key)?.isVoid === false) return false
    this.refused.add(key)
    return true
  }

  /** Whatever was charged for it is given back. */
  undo(key: string): string {
    this.voided.add(key)
    const charge = this.keyed.get(key)
    if (charge) charge.isVoid = true
    for (const each of this.unkeyed.get(key) ?? []) each.isVoid = true
    return `void-${++this.#count}`
  }

  /** Somebody only looks: what is there is something else each time. */
  read(): string {
    return `reading-${++this.#count}`
  }

  chargeAgain(key: string, transactionId: string, step: string, atUs: number): Charge {
    const charge = this.#charge(transactionId, step, atUs)
    this.unkeyed.set(key, [...(this.unkeyed.get(key) ?? []), charge])
    return charge
  }

  #charge(transactionId: string, step: string, atUs: number): Charge {
    return { transactionId, step, atUs, answer: `receipt-${++this.#count}`, isVoid: false }
  }
}
