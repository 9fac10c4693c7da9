import { unzipSync, zipSync, type Zippable } from 'fflate'
import { contentTypeOf } from '../content-types.ts'
import { Failure } from '../failure.ts'
import { fileText, jsonOf, textOf } from '../text.ts'
import { emptyMap, fileOf, type File, type KeyValue, type Value } from '../value.ts'
import { builtin, type Builtins, type Context } from './define.ts'

const octets = 'application/octet-stream'

const isFile = (value: Value): value is File => typeof value === 'object' && value?.kind === 'file'
const isContainer = (value: Value) =>
  typeof value === 'object' && (value?.kind === 'list' || value?.kind === 'map' || value?.kind === 'collection')

/** A path in an archive under which nothing stands yet: "a.txt", then "a (1).txt". */
function freePath(archive: Zippable, path: string): string {
  const dot = path.lastIndexOf('.')
  const [stem, ending] = dot > path.lastIndexOf('/') ? [path.slice(0, dot), path.slice(dot)] : [path, '']
  let free = path
  for (let i = 1; Object.hasOwn(archive, free); i += 1) free = `${stem} (${String(i)})${ending}`
  return free
}

/** Puts a file, the files of a list, or a map of files and further maps (directories) into an archive. */
function collect(context: Context, archive: Zippable, value: Value, directory: string, depth: number): void {
  if (depth > 50) throw new Failure('Directories in an archive may be nested 50 deep at most.')
  // Dates of ZIP reach from 1980 to 2099; a clock elsewhere is a mistake and not worth a failure.
  const mtime = Math.min(Math.max(context.chance.now(), Date.UTC(1980, 0, 2)), Date.UTC(2099, 11, 30))
  const put = (name: string, file: File) => {
    const path = freePath(archive, directory + (name.replace(/^\/+/, '') || 'file'))
    Object.defineProperty(archive, path, { value: [file.bytes, { mtime }], enumerable: true })
    context.meter.itemsOf(Object.keys(archive).length)
    context.meter.made(file.bytes.length)
  }
  if (isFile(value)) put(value.name, value)
  else if (value !== null && typeof value === 'object' && value.kind === 'list')
    for (const item of value.items) collect(context, archive, item, directory, depth + 1)
  else if (value !== null && typeof value === 'object' && value.kind === 'collection')
    collect(context, archive, value.content, directory, depth + 1)
  else if (value !== null && typeof value === 'object' && value.kind === 'map') {
    for (const [key, entry] of value.entries) {
      if (isFile(entry)) put(key, entry)
      else collect(context, archive, entry, `${directory}${key}/`, depth + 1)
    }
  } else throw new Failure('`compress` takes a file, a list of files, or a map of names to files and to further maps.')
}

function withZipEnding(name: string): string {
  return /\.zip$/i.test(name) ? name : `${name}.zip`
}

const largestEntryCount = 0xffff

/**
 * The entries of a ZIP archive. What they say they hold is added up before anything is expanded, and none may expand beyond what it said:
 * a bomb ends at the memory limit while it is small. A file that is no archive has no entries.
 */
function entriesOf(context: Context, file: File): KeyValue {
  const found = emptyMap()
  if (file.bytes[0] !== 0x50 || file.bytes[1] !== 0x4b) return found
  let size = 0
  let count = 0
  let entries: Readonly<Record<string, Uint8Array>>
  try {
    unzipSync(file.bytes, {
      filter({ originalSize, compression, name }) {
        size += originalSize
        count += 1
        if (size > context.meter.limits.memory) throw new Failure('The archive holds more than the memory of a run.', 'limit')
        if (count > Math.min(largestEntryCount, context.meter.limits.items)) throw new Failure('The archive has too many entries.', 'limit')
        if (compression !== 0 && compression !== 8) throw new Failure(`"${name.slice(0, 100)}" is compressed in a way that is not known.`)
        return false
      },
    })
    context.meter.made(size)
    entries = unzipSync(file.bytes, { filter: ({ name }) => !name.endsWith('/') })
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('The archive cannot be read: it is damaged or needs a password.')
  }
  for (const [path, bytes] of Object.entries(entries)) {
    const name = path.slice(path.lastIndexOf('/') + 1)
    found.entries.set(path, fileOf(name, bytes, contentTypeOf(name) ?? octets))
  }
  return found
}

/** FILE values: what `invokeurl` fetched, an argument, or what `toFile` and `compress` made. */
export const file: Builtins = {
  getFileName: builtin({
    doc: 'The name of a file.',
    takes: ['file'],
    gives: 'text',
    examples: { '"x".toFile("a.txt").getFileName()': '"a.txt"' },
    run: (_context, { name }) => name,
  }),
  getFileType: builtin({
    doc: 'The media type of a file: "image/png".',
    takes: ['file'],
    gives: 'text',
    examples: { '"x".toFile("a.txt").getFileType()': '"text/plain"', '"x".toFile("a.PNG").getFileType()': '"image/png"' },
    run: (_context, { contentType }) => contentType.replace(/;.*$/s, '').trim(),
  }),
  getFileSize: builtin({
    doc: 'The size of a file in bytes.',
    takes: ['file'],
    gives: 'number',
    examples: { '"hé".toFile("a.txt").getFileSize()': '3' },
    run: (_context, { bytes }) => bytes.length,
  }),
  getFileContent: builtin({
    doc: 'The content of a file as text, in its charset, else as UTF-8. Of files that hold no text it makes no sense. An answer that was read as JSON already is its JSON text.',
    takes: ['any'],
    gives: 'text',
    examples: {
      '"hé".toFile("a.txt").getFileContent()': '"hé"',
      '{"a":1}.getFileContent()': '"{\\"a\\":1}"',
      '"a".getFileContent()': '"a"',
      'f = null; f.getFileContent()': 'error: Null value occurred',
    },
    run(context, given) {
      if (given === null) throw new Failure('Null value occurred')
      if (!isFile(given)) return isContainer(given) ? jsonOf(context.surroundings, given) : textOf(context.surroundings, given)
      context.meter.textOf(given.bytes.length / 4)
      const text = fileText(given)
      context.meter.textOf(text.length)
      return text
    },
  }),
  setFileName: builtin({
    doc: 'Gives a file another name.',
    takes: ['file', 'text'],
    gives: 'none',
    parameters: ['name'],
    examples: { 'f = "x".toFile("a.txt"); f.setFileName("b.txt"); f.getFileName()': '"b.txt"' },
    run(_context, given, name) {
      given.name = name
      return given
    },
  }),
  setFileType: builtin({
    doc: 'Gives a file another type, as an ending ("pdf") or a media type. The content stays as it is.',
    takes: ['file', 'text'],
    gives: 'none',
    parameters: ['type'],
    examples: {
      'f = "x".toFile("a"); f.setFileType("pdf"); f.getFileType()': '"application/pdf"',
      'f = "x".toFile("a"); f.setFileType("application/x-thing"); f.getFileType()': '"application/x-thing"',
    },
    run(_context, given, type) {
      const contentType = type.includes('/') ? type.trim() : (contentTypeOf(type) ?? octets)
      if (!/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;[\t\x20-\x7e]*)?$/.test(contentType))
        throw new Failure('This is not a type: use "pdf" or "application/pdf".')
      given.contentType = contentType
      return given
    },
  }),
  setCharset: builtin({
    doc: 'Says in which charset the content of a file is written: it is read and sent as such.',
    takes: ['file', 'text'],
    gives: 'none',
    parameters: ['charset'],
    examples: {
      'f = zoho.encryption.base64DecodeToFile("aOk=", "a.txt"); f.setCharset("ISO-8859-1"); f.getFileContent()': '"hé"',
      'f = "x".toFile("a"); f.setCharset("klingon")': 'error: is not a charset',
    },
    run(_context, given, charset) {
      try {
        new TextDecoder(charset)
      } catch {
        throw new Failure(`"${charset.slice(0, 50)}" is not a charset.`)
      }
      given.charset = charset.trim()
      return given
    },
  }),
  setParamName: builtin({
    doc: 'The name of the field that the file is sent under, when it is a part of a request.',
    takes: ['file', 'text'],
    gives: 'none',
    parameters: ['name'],
    examples: { 'f = "x".toFile("a.txt"); f.setParamName("document"); f.getFileName()': '"a.txt"' },
    run(_context, given, name) {
      given.paramName = name
      return given
    },
  }),
  toFile: builtin({
    doc: 'A file with a text as its content. Its type comes from the ending of its name. A file gets another name.',
    takes: ['any', 'text?'],
    gives: 'file',
    parameters: ['name'],
    examples: {
      '"a,b".toFile("a.csv").getFileType()': '"text/csv"',
      '"a".toFile().getFileName()': '"file.txt"',
      '{"a":1}.toFile("a.json").getFileContent()': '"{\\"a\\":1}"',
      '"a".toFile("a.txt").toFile("b.txt").getFileName()': '"b.txt"',
    },
    run(context, value, name = isFile(value) ? value.name : 'file.txt') {
      if (isFile(value)) return { ...value, name }
      const bytes = Buffer.from(textOf(context.surroundings, value))
      context.meter.made(bytes.length)
      return fileOf(name, bytes, contentTypeOf(name) ?? 'text/plain', 'UTF-8')
    },
  }),
  compress: builtin({
    doc: 'A ZIP archive of a file, of the files of a list, or of a map of names to files and to further maps, which are directories.',
    takes: ['any', 'text?'],
    gives: 'file',
    parameters: ['name'],
    examples: {
      '"x".toFile("a.txt").compress("a").getFileName()': '"a.zip"',
      'f = "x".toFile("a.txt"); {f, f}.compress().extract().keys()': '{"a.txt","a (1).txt"}',
      'm = {"b":{"c.txt":"x".toFile("a.txt")}}; m.compress("m.zip").extract().get("b/c.txt").getFileContent()': '"x"',
      '{"a":1}.compress()': 'error: `compress` takes',
    },
    run(context, value, name) {
      const archive: Zippable = Object.create(null) as Zippable
      collect(context, archive, value, '', 0)
      const bytes = zipSync(archive)
      context.meter.made(bytes.length)
      return fileOf(withZipEnding(name ?? (isFile(value) ? value.name.replace(/\.[^.]*$/, '') : 'files')), bytes, 'application/zip')
    },
  }),
  extract: builtin({
    doc: 'The files of a ZIP archive, as a collection of their paths to them; empty when the file is no archive. Archives with a password cannot be read.',
    takes: ['file'],
    gives: 'collection',
    examples: {
      '"x".toFile("a.txt").compress().extract().get("a.txt").getFileContent()': '"x"',
      '"x".toFile("a.txt").extract().size()': '0',
    },
    run: (context, given) => ({ kind: 'collection', content: entriesOf(context, given) }),
  }),
}
