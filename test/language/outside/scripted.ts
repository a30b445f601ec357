/** A function that does what a table says: those that the examples of the reference name. */
import { defineFunction, fail, type Posting } from 'millrace'
import { done, undone } from './book.ts'

export interface Script {
  readonly gives?: unknown
  readonly undoes?: boolean
  readonly declines?: boolean
  readonly posts?: readonly Posting[]
}

export function scripted({ gives, undoes, declines, posts }: Script) {
  return defineFunction({
    run({ input, context }) {
      if (declines && JSON.stringify(input).includes('"poor"')) return fail('declined', 'the bank says no')
      if (undoes) undone(context)
      else done(context)
      for (const posting of posts ?? []) context.post(posting)
      return gives === undefined ? input : gives
    },
  })
}
