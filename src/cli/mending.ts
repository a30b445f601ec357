/** The commands that mend what went wrong: dead letters, steps in doubt, failed transactions. */
import { type Command, Option } from 'commander'
import { asked, idArgument } from './options.ts'

const whereOption = () =>
  new Option('--where <predicate>', 'SQL over the columns of millrace.dead_letters; only open ones are taken')

export function addMending(millrace: Command): void {
  millrace.commandsGroup('Mend:')
  asked(
    millrace
      .command('retry')
      .description('run a transaction again that failed, was undone or was cancelled')
      .addArgument(idArgument())
      .option(
        '--from <step>',
        'id of the step to begin with, outside of all blocks (default: the one that failed, or the first of all)',
      )
      .option('--input <file>', 'JSON that this step is given in place of its `with`'),
  )
    .addHelpText('after', aboutRetry)
    .action(async (id, options) => (await import('./retry.ts')).retry(id, options))
  asked(
    millrace
      .command('compensate')
      .description('undo once more what a failed transaction owes')
      .addArgument(idArgument()),
  )
    .addHelpText('after', aboutCompensate)
    .action(async (id, options) => (await import('./compensate.ts')).compensate(id, options))
  asked(
    millrace
      .command('resolve')
      .description('say what became of a step in doubt, so that its transaction goes on or fails')
      .addArgument(idArgument())
      .requiredOption('--step <step>', 'id of the step; of an item bill[3]')
      .addOption(new Option('--outcome <outcome>', 'what became of it').choices(['ok', 'fail']).makeOptionMandatory())
      .option('--output <json>', 'with ok: what later steps see as its output (default: null)'),
  )
    .addHelpText('after', aboutResolve)
    .action(async (id, options) => (await import('./resolve.ts')).resolve(id, options))
  asked(
    millrace
      .command('redrive')
      .description('make transactions of dead letters again, by the workflows there are now')
      .addOption(whereOption().makeOptionMandatory())
      .option('--edit <file>', 'the new value of the one that matches, or a .mjs file that makes each one’s')
      .option('--dry-run', 'only show which would be redriven'),
  )
    .addHelpText('after', aboutRedrive)
    .action(async (options) => (await import('./redrive.ts')).redrive(options))
  asked(
    millrace
      .command('discard')
      .description('give dead letters up for good; they stay in the ledger, marked as discarded')
      .addOption(whereOption().makeOptionMandatory())
      .option('--dry-run', 'only show which would be discarded'),
  )
    .addHelpText('after', aboutDiscard)
    .action(async (options) => (await import('./redrive.ts')).discard(options))
}

const aboutRetry = `
Steps before that one keep what they gave; from it on all run anew, under new idempotency keys. A step of which nobody knows
what it did keeps its key. Where steps were undone, begin with the first of them or before it. Exit code 0: it runs; 1: refused.

  millrace retry 019c2f --why 'the bank is back'
  millrace retry 019c2f --from charge --input charge.json
`
const aboutCompensate = `
A transaction owes what it did and could not undo: \`millrace show\` lists it, and so does \`select * from millrace.owed\`.
Mend what was in the way first. Exit code 0: it is being undone; 1: refused.

  millrace compensate 019c2f --why 'the account is open again'
`
const aboutResolve = `
A step is in doubt when its function is declared \`idempotent: false\` and nobody knows what an attempt did: its process
was killed, it threw, or its coordinator was lost. Look outside what was done, then say so:

  millrace list --state in_doubt
  millrace resolve 019c2f --step charge --outcome ok --output '{"id":"ch_17"}' --why 'in the books of the bank'
  millrace resolve 019c2f --step charge --outcome fail --why 'the bank has no trace of it'

With fail the transaction fails (if the step is optional, it goes on without its output). Exit code 0: settled; 1: refused.
`
const aboutRedrive = `
Mend what was wrong first: the workflow, the function, or the value with --edit. A dead letter is redriven once; asking
again does nothing. Exit code 0: all are redriven; 1: some were refused, and stay open.

  millrace redrive --where "code = 'expression_failed' and received_at > now() - interval '1 day'" --dry-run
  millrace redrive --where "workflow = 'order'" --why 'the address of the bank was wrong'
  millrace redrive --where "id = '019c2f4e-…'" --edit value.json
  millrace redrive --where "code = 'value_not_json'" --edit mend.mjs

mend.mjs: export default (value, letter) => value.replaceAll('NaN', 'null')
  value is text (null if there is none), letter has id, topic, partition, offset, workflow, key, headers, code, reason.
`
const aboutDiscard = `
Exit code 0: all are discarded; 1: some were refused. What is discarded cannot be redriven any more.

  millrace discard --where "topic = 'orders' and code = 'value_null'" --why 'tombstones of a migration'
`
