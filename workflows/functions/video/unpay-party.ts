/** Takes back the payout of one party, or sees to it that it never comes. */
import { defineFunction } from 'millrace'
import { undoInput, undoMovement, undoOutput } from '../../video/undo.ts'

export default defineFunction({
  input: undoInput,
  output: undoOutput,
  run: ({ context }) => undoMovement(context),
})
