/** What a script of this project was asked for: an option that it does not have, or `--help`, is answered with its usage. */
import { type ParseArgsConfig, parseArgs } from 'node:util'

type Values<Options extends NonNullable<ParseArgsConfig['options']>> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: boolean }>
>

/** What they stand for, by name; or the process is over: 0 after `--help`, 2 after what is no option of it. */
export function optionsOf<const Options extends NonNullable<ParseArgsConfig['options']>>(
  help: string,
  options: Options,
  allowPositionals = false,
): Values<Options> {
  try {
    const all = { ...options, help: { type: 'boolean', short: 'h' } } as const
    const parsed = parseArgs({ args: process.argv.slice(2), options: all, allowPositionals })
    if (!(parsed.values as { help?: boolean }).help) return parsed as unknown as Values<Options>
  } catch (error) {
    console.error(`${(error as Error).message.split('. To specify')[0]}\n\n${help}`)
    process.exit(2)
  }
  console.log(help)
  process.exit(0)
}

/** For a value that an option cannot take. */
export function usageError(message: string, help: string): never {
  console.error(`${message}\n\n${help}`)
  process.exit(2)
}
