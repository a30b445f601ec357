/** The functions of the errand: each asks somebody outside, whose book tells what was really done. */
export const errandFunctions: Readonly<Record<string, string>> = {
  'functions/look.ts': `
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.object({ ms: z.number() }),
  async run({ input, context }) {
    await sleep(input.ms, undefined, { signal: context.signal })
    return { ms: input.ms }
  },
})`,
  'functions/move.ts': `
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  input: z.object({ account: z.string(), amount: z.number(), dies: z.string() }),
  output: z.object({ id: z.string() }),
  async run({ input, context }) {
    const { account, amount, dies } = input
    if (dies === 'before') dieOnce(context.transactionId)
    const response = await fetch(process.env.PROVIDER_URL + '/charges', {
      method: 'POST',
      signal: context.signal,
      headers: { 'content-type': 'application/json', 'idempotency-key': context.idempotencyKey },
      body: JSON.stringify({ account, amount, currency: 'EUR', party: account, reference: context.transactionId }),
    })
    const answer = await response.json()
    if (response.status === 402) return fail('declined', 'the card was declined')
    if (!response.ok) throw new Error('the provider answered ' + response.status)
    if (dies === 'after') dieOnce(context.transactionId)
    context.post({ debit: account, credit: 'clearing', amount, currency: 'EUR', key: 'provider:' + answer.id })
    return { id: answer.id }
  },
})
function dieOnce(name: string): void {
  try {
    writeFileSync(join(process.env.FAULTS_DIR!, 'died-' + name), '', { flag: 'wx' })
  } catch {
    return
  }
  process.kill(process.pid, 'SIGKILL')
}`,
  'functions/unmove.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({
  async run({ context }) {
    const response = await fetch(process.env.PROVIDER_URL + '/voids', {
      method: 'POST',
      signal: context.signal,
      headers: { 'content-type': 'application/json', 'idempotency-key': context.idempotencyKey },
      body: JSON.stringify({ of: context.forwardKey, reference: context.transactionId }),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error('the provider answered ' + response.status)
    return { undone: true }
  },
})`,
  'functions/finish.ts': `
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  input: z.object({ fate: z.string(), unlucky: z.string() }),
  run({ input }) {
    if (input.fate === input.unlucky) return fail(input.unlucky.split(' ')[1] ?? '', 'as it was to be')
    return { brought: true }
  },
})`,
}
