/** `millrace compensate ID`: what a failed transaction owes is undone once more. */
import { type AskOneOptions, askOne } from './ask-one.ts'
import { placeName } from './place-name.ts'
import { counted } from './problems.ts'
import { isFinal, wrongState } from './wrong-state.ts'

export async function compensate(id: string, options: AskOneOptions): Promise<void> {
  await askOne('compensate', id, options, ({ id, state, owed }) => {
    if (state !== 'failed') throw wrongState(`${id} is ${state}: ${why(state)}`)
    if (owed.length === 0) throw wrongState(`${id} owes nothing: there is nothing to undo`)
    const what = owed.length > namedMax ? counted(owed.length, 'step') : owed.map(placeName).join(', ')
    return {
      args: '{}',
      asked: `what ${id} owes is to be undone (${what})`,
      done: `${id} is opened again to undo what it owes (${what}); \`millrace show ${id}\` tells how far it is`,
    }
  })
}

const namedMax = 10

function why(state: string): string {
  if (state === 'compensating') return 'it is being undone already'
  return isFinal(state) ? 'it owes nothing' : '`millrace cancel` ends it, and undoes what it did'
}
