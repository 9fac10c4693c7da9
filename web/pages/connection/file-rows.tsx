import { ActionIcon, Button, FileInput, TextInput } from '@mantine/core'
import { IconFilePlus, IconPaperclip, IconX } from '@tabler/icons-react'
import { useRef } from 'react'
import { sizeWords } from './try-answer.ts'
import type { FilePart } from './try-files.ts'
import classes from './try-it.module.css'

interface Box {
  readonly label: string
  readonly file: File | null
  readonly onChange: (file: File | null) => void
}

const choose = 'Choose a file'

/** One file of the reader's device. It is read when the request is sent. */
export const FileBox = ({ label, file, onChange }: Box) => (
  <FileInput
    // with the words that are seen, for who speaks them (WCAG 2.5.3)
    aria-label={`${label}: ${file === null ? choose : `${file.name} ${sizeWords(file.size)}`}`}
    placeholder={choose}
    leftSection={<IconPaperclip size={15} />}
    value={file}
    onChange={onChange}
    valueComponent={({ value }) => (value instanceof File ? <Chosen file={value} /> : null)}
  />
)

const Chosen = ({ file }: { readonly file: File }) => (
  <span className={classes.chosen} title={file.name}>
    <span className="outside">{file.name}</span> <span className={classes.size}>{sizeWords(file.size)}</span>
  </span>
)

interface Rows {
  readonly parts: readonly FilePart[]
  readonly onChange: (parts: readonly FilePart[]) => void
}

/** Files of a form, one a line, each with the name of its field. */
export const FileRows = ({ parts, onChange }: Rows) => {
  const box = useRef<HTMLDivElement>(null)
  const add = () => {
    const id = Math.max(0, ...parts.map(part => part.id)) + 1
    onChange([...parts, { id, name: parts.length === 0 ? 'file' : '', file: null }])
    requestAnimationFrame(() => box.current?.querySelector<HTMLInputElement>(`[data-part="${id}"] input`)?.focus())
  }
  const set = (id: number, part: Partial<FilePart>) => onChange(parts.map(one => (one.id === id ? { ...one, ...part } : one)))
  return (
    <div ref={box}>
      {parts.map((part, index) => (
        <div key={part.id} data-part={part.id} className={classes.pair}>
          <TextInput
            aria-label={`Field of file ${index + 1}`}
            placeholder="file"
            value={part.name}
            onChange={event => set(part.id, { name: event.currentTarget.value })}
            spellCheck={false}
            autoComplete="off"
          />
          <FileBox label={`File ${index + 1}`} file={part.file} onChange={file => set(part.id, { file })} />
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            aria-label={`Remove file ${index + 1}`}
            onClick={() => onChange(parts.filter(other => other.id !== part.id))}
          >
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <Button variant="subtle" size="xs" leftSection={<IconFilePlus size={14} />} onClick={add} ml={-8}>
        Add a file
      </Button>
    </div>
  )
}
