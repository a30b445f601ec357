/** The text of docs/configuration.md, made of the table of settings. */
import { configFileName } from '../config.ts'
import { type SettingRow, settingRows } from './setting-rows.ts'

export function configurationText(): string {
  const columns = ['environment', `in \`${configFileName}\``, 'value', 'default', 'what it is for']
  const rows = settingRows().map(cells)
  return `# Settings

Each setting is read from the environment, else from \`${configFileName}\` in the current folder, else its default is
taken. An unknown name in the file or a value that does not fit is an error that names it. In the file a dot is a level:

\`\`\`yaml
engine: shop
kafka:
  brokers: [kafka-1:9092, kafka-2:9092]
  tls: true
\`\`\`

A setting marked as secret may be in a file instead, as Docker and Kubernetes hand secrets over: \`KAFKA_SASL_PASSWORD_FILE\`
names the file (in \`${configFileName}\`: \`kafka.saslPasswordFile\`). What came in a variable is taken out of the coordinator's
environment when it is read, so that no process it starts inherits it. [security.md](security.md) says how the ways to Kafka and
Postgres are encrypted.

${markdownTable([columns, columns.map(() => '---'), ...rows])}

This file is written from the table in \`src/config.ts\` by \`node dist/scripts/write-configuration.js\`;
\`millrace settings\` prints the same.
`
}

function cells({ env, name, expects, byDefault, about }: SettingRow): string[] {
  return [`\`${env}\``, `\`${name}\``, expects, byDefault === '' ? '' : `\`${byDefault}\``, about]
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
}
