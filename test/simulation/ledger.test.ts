/** The simulated ledger keeps the contract that Postgres keeps. */
import { ledgerContract } from '../contract/ledger.ts'
import { atOnce, ledgerOf } from './ledger/statements.ts'
import { Tables } from './ledger/tables.ts'
import { epochUs } from './process.ts'

ledgerContract('simulated', async () => {
  const tables = new Tables()
  // Records of these tests are of some moment before the run begins.
  let nowUs = epochUs + 86_400_000_000
  const ask = atOnce(() => {
    nowUs += 1000
    return nowUs
  })
  return {
    async open(owner, lease = { leaseMs: 0, handoverMs: 0 }) {
      const holder = { engine: 'shop', owner, session: tables.nextSession(), ...lease }
      return ledgerOf(tables, holder, ask, () => undefined)
    },
    async ask(laneId, kind, target) {
      tables.commands.ask({ laneId, kind, target, args: '{}', askedBy: 'operator', why: null })
    },
    async pause(workflow, key) {
      tables.pauses.push({ engine: 'shop', workflow, key })
    },
    async resume(workflow, key) {
      tables.pauses = tables.pauses.filter((each) => each.workflow !== workflow || each.key !== key)
    },
    async pass(ms) {
      nowUs += ms * 1000
    },
  }
})
