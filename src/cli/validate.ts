/** `millrace validate`: every error of every file, and of the functions they use. */
import { stat } from 'node:fs/promises'
import { checkWorkflows } from './check-workflows.ts'
import { Told } from './fail.ts'
import { print, printJson } from './print.ts'
import { counted, tellProblems } from './problems.ts'
import { defaultFolder, workflowsFolder } from './workflows-folder.ts'

export async function validate(paths: readonly string[], { json }: { json?: boolean }): Promise<void> {
  const asked = paths.length > 0 ? paths : [workflowsFolder(defaultFolder)]
  const { files, problems } = await checkWorkflows(await sorted(asked))
  if (json) printJson({ workflows: files, problems })
  else {
    tellProblems(problems, process.stdout)
    print(`${counted(files, 'workflow')} checked, ${counted(problems.length, 'problem')}`)
  }
  if (problems.length > 0) throw new Told()
}

async function sorted(paths: readonly string[]): Promise<{ files: string[]; folders: string[] }> {
  const kinds = await Promise.all(paths.map((path) => stat(path).catch(() => null)))
  const folders = paths.filter((_, at) => kinds[at]?.isDirectory())
  return { folders, files: paths.filter((path) => !folders.includes(path)) }
}
