import { PatchbayProblem, type InvokeInput } from '../../../sdk/index.ts'

/* Files of a request: chosen with the request, read when it is sent. */

/** A file as a part of a form. */
export interface FilePart {
  readonly id: number
  /** Of the field. */
  readonly name: string
  /** Null until one is chosen. */
  readonly file: File | null
}

type SentFile = NonNullable<InvokeInput['files']>[number]

/** The parts that have a file, as invoke takes them, with `content` for what is in each. */
export const namedFiles = (parts: readonly FilePart[], content: (file: File) => string): readonly SentFile[] =>
  parts.flatMap(({ name, file }) =>
    file === null
      ? []
      : [
          {
            name: name.trim() || 'file',
            filename: file.name,
            ...(file.type !== '' && { content_type: file.type }),
            content_base64: content(file),
          },
        ],
  )

const unreadable = (file: File): PatchbayProblem =>
  new PatchbayProblem({
    code: 'validation_failed',
    status: 422,
    detail: `${file.name} could not be read: it was moved, changed or deleted after it was chosen. Choose it again.`,
  })

/** @throws PatchbayProblem when the file is no longer as it was chosen */
const base64Of = (file: File): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(typeof reader.result === 'string' ? reader.result.replace(/^[^,]*,?/, '') : ''))
    reader.addEventListener('error', () => reject(unreadable(file)))
    reader.readAsDataURL(file)
  })

/** The same, read. @throws PatchbayProblem */
export async function readFiles(parts: readonly FilePart[]): Promise<readonly SentFile[]> {
  const contents = new Map<File, string>()
  for (const { file } of parts) if (file !== null) contents.set(file, await base64Of(file))
  return namedFiles(parts, file => contents.get(file) ?? '')
}

/** A file as the whole body. Invoke takes a body as text; bytes go as a file of a form, or through the proxy. @throws PatchbayProblem */
export async function textOf(file: File): Promise<string> {
  const bytes = await file.arrayBuffer().catch(() => {
    throw unreadable(file)
  })
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new PatchbayProblem({
      code: 'validation_failed',
      status: 422,
      detail: `${file.name} is not text, and here a body is text. Send it as a file of a form, or copy the request as Proxy and send it from there.`,
    })
  }
}

export const typeOf = (file: File): string => (file.type === '' ? 'text/plain;charset=UTF-8' : file.type)
