/** Options and arguments that several commands have. */
import { Argument, type Command, Option } from 'commander'

export const idArgument = () =>
  new Argument('<id>', 'id of the transaction, or as much of the beginning as is needed to tell it')
export const jsonOption = () => new Option('--json', 'print JSON, for programs')
export const whyOption = () => new Option('--why <text>', 'kept with the command, for whoever asks later')
export const byOption = () => new Option('--by <name>', 'who says so (default: user@host)')

export const waitOption = () => new Option('--no-wait', 'only ask; do not wait until coordinators hold to it')

/** Of a command that a coordinator carries out and answers. */
export function asked(command: Command): Command {
  const waitOption = new Option('--no-wait', 'only ask; do not wait for the answer')
  return command.addOption(whyOption()).addOption(byOption()).addOption(waitOption).addOption(jsonOption())
}
