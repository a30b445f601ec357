/** `npm run simulate -- --seeds N [--seed S] [--trace] [--json]` */
import { run } from './run.ts'

const from = Number(process.argv[2] ?? 1)
const count = Number(process.argv[3] ?? 1)
const t0 = performance.now()
let steps = 0
let txs = 0
const failures = new Map<string, number>()
for (let seed = from; seed < from + count; seed++) {
  const print = process.argv[4] === 'trace' ? console.log : null
  const out = await run(seed, print)
  steps += out.steps
  txs += out.transactions
  if (out.failure) {
    failures.set(out.failure.promise, (failures.get(out.failure.promise) ?? 0) + 1)
    console.log(seed, out.failure.message.slice(0, 600))
  }
}
const s = (performance.now() - t0) / 1000
console.log({ perMinute: (count / s) * 60, steps: steps / count, txs: txs / count, failures })
