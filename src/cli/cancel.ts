/** `millrace cancel ID`: a transaction goes no further, and what it did is undone. */
import { type AskOneOptions, askOne } from './ask-one.ts'
import { isFinal, wrongState } from './wrong-state.ts'

export async function cancel(id: string, options: AskOneOptions): Promise<void> {
  await askOne('cancel', id, options, ({ id, state }) => {
    if (isFinal(state)) throw wrongState(`${id} has ended: it is ${state}`)
    if (state === 'compensating') throw wrongState(`${id} is being undone already`)
    return {
      args: '{}',
      asked: `${id} is to be cancelled`,
      done: `${id} is cancelled: what runs may end, and what it did is undone; \`millrace show ${id}\` tells how far it is`,
    }
  })
}
