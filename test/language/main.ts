/** `npm run language`: lists the cases; `npm run language -- NAME…`: runs them, and tells what the ledger says of each. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { optionsOf } from '../../scripts/options.ts'
import { caseNames, readCase } from './case.ts'

const help = `npm run language -- [NAME…]

Without a name it lists the cases; else it runs those, and tells what the ledger says of each.

  --help  this text`

const { positionals: wanted } = optionsOf(help, {}, true)
const names = caseNames()
const unknown = wanted.filter((name) => !names.includes(name))

if (wanted.length === 0) {
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names) console.log(`${name.padEnd(width)}  ${readCase(name).about}`)
} else if (unknown.length > 0) {
  console.error(`there is no case ${unknown.join(', ')}: \`npm run language\` lists those that there are`)
  process.exitCode = 2
} else {
  const file = join(import.meta.dirname, 'language.test.js')
  const env = { ...process.env, LANGUAGE_CASES: wanted.join(',') }
  const args = ['--enable-source-maps', '--test', '--test-reporter=spec', file]
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' })
  child.once('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
