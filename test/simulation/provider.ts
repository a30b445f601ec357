/**
 * The world outside, that functions act on: a provider with a book of its own. Whoever gives it an idempotency key is
 * charged once for it and hears the same answer again; whoever gives none is charged each time.
 */

export interface Charge {
  readonly transactionId: string
  readonly step: string
  readonly atUs: number
  readonly answer: string
}

export class Provider {
  /** By idempotency key. */
  readonly keyed = new Map<string, Charge>()
  /** Of functions that are not idempotent: by transaction and step. */
  readonly unkeyed = new Map<string, Charge[]>()
  #count = 0

  charge(key: string, transactionId: string, step: string, atUs: number): Charge {
    const known = this.keyed.get(key)
    if (known) return known
    const charge = this.#charge(transactionId, step, atUs)
    this.keyed.set(key, charge)
    return charge
  }

  /** Somebody only looks: what is there is something else each time. */
  read(): string {
    return `reading-${++this.#count}`
  }

  chargeAgain(transactionId: string, step: string, atUs: number): Charge {
    const charge = this.#charge(transactionId, step, atUs)
    const name = `${transactionId}/${step}`
    this.unkeyed.set(name, [...(this.unkeyed.get(name) ?? []), charge])
    return charge
  }

  #charge(transactionId: string, step: string, atUs: number): Charge {
    return { transactionId, step, atUs, answer: `receipt-${++this.#count}` }
  }
}
