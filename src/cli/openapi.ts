/** `millrace openapi`: what the HTTP door takes, as an OpenAPI document made of the workflow files. */
import { openApi } from '../api/openapi.ts'
import { Routes } from '../api/routes.ts'
import { loadConfig } from '../config.ts'
import { loadCatalogue } from '../workflow/catalogue.ts'
import { Told } from './fail.ts'
import { print } from './print.ts'
import { tellProblems } from './problems.ts'
import { workflowsFolder } from './workflows-folder.ts'

export async function openapi(options: { workflows: string }): Promise<void> {
  const { plans, problems } = await loadCatalogue(workflowsFolder(options.workflows))
  if (problems.length > 0) {
    tellProblems(problems, process.stderr)
    throw new Told()
  }
  const url = loadConfig()['door.url'].replace(/\/+$/, '')
  print(JSON.stringify(openApi(new Routes(plans).all, url), null, 2))
}
