/** The commands that hold up or end what goes on. */
import { type Command, Option } from 'commander'
import { asked, byOption, idArgument, jsonOption, waitOption, whyOption } from './options.ts'

const engineOption = () => new Option('--engine <name>', 'of this engine (default: MILLRACE_ENGINE)')

export function addSteering(millrace: Command): void {
  millrace.commandsGroup('Steer:')
  asked(
    millrace
      .command('cancel')
      .description('a transaction goes no further, and what it did is undone')
      .addArgument(idArgument()),
  )
    .addHelpText('after', aboutCancel)
    .action(async (id, options) => (await import('./cancel.ts')).cancel(id, options))
  millrace
    .command('pause')
    .description('start and wake nothing of a workflow, or of one of its keys')
    .argument('<workflow>')
    .option('--key <key>', 'only transactions with this order key')
    .addOption(engineOption())
    .addOption(whyOption())
    .addOption(byOption())
    .addOption(waitOption())
    .addOption(jsonOption())
    .addHelpText('after', aboutPause)
    .action(async (workflow, options) => (await import('./pause.ts')).pause(workflow, options))
  millrace
    .command('resume')
    .description('end a pause')
    .argument('<workflow>')
    .option('--key <key>', 'the key that was paused')
    .addOption(engineOption())
    .addOption(whyOption())
    .addOption(byOption())
    .addOption(jsonOption())
    .action(async (workflow, options) => (await import('./pause.ts')).resume(workflow, options))
}

const aboutCancel = `
What runs is told to stop, and waited for until its deadline; then what was done is undone, the last first. It ends
\`cancelled\`, or \`failed\` if something cannot be undone. Exit code 0: it is being cancelled; 1: refused.

  millrace cancel 019c2f --why 'the customer called'
`
const aboutPause = `
Events are admitted, and wait; what has started goes on, what sleeps stays asleep. It says which coordinators hold to it,
and waits for them for 10 s at most. It stays so over restarts, until \`millrace resume\`; \`millrace lanes\` shows what is
paused. Exit code 0: all hold to it; 1: it is paused, and some coordinator has not said yet that it has heard of it.

  millrace pause order --why 'the bank is away until noon'
  millrace pause order --key customer-17
`
