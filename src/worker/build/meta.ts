/** `import.meta.url` and its like mean the author's own file, wherever the compiled one lies. */
import { readFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Loader, OnLoadResult, Plugin, PluginBuild } from 'esbuild'

const asksWhereItIs = /\bimport\.meta\b|\b__dirname\b|\b__filename\b/

export function placeMeta(): Plugin {
  return {
    name: 'millrace-meta',
    setup(build) {
      build.onLoad({ filter: /\.[mc]?[jt]sx?$/, namespace: 'file' }, (args) => place(build, args.path))
    },
  }
}

async function place(build: PluginBuild, path: string): Promise<OnLoadResult | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  if (!asksWhereItIs.test(text)) return undefined
  try {
    const { code } = await build.esbuild.transform(text, {
      loader: loaderOf(path),
      sourcefile: path,
      sourcemap: 'inline',
      sourcesContent: false,
      define: definitions(path),
    })
    return { contents: code, loader: 'js' }
  } catch {
    return undefined // The build itself meets the same error and says where.
  }
}

function definitions(path: string): Record<string, string> {
  const file = JSON.stringify(path)
  const folder = JSON.stringify(dirname(path))
  return {
    'import.meta.url': JSON.stringify(pathToFileURL(path).href),
    'import.meta.dirname': folder,
    'import.meta.filename': file,
    __dirname: folder,
    __filename: file,
  }
}

function loaderOf(path: string): Loader {
  return extname(path).replace(/[.mc]+(?=[jt]s)/, '') as Loader
}
