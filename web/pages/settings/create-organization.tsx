import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { PatchbayProblem } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'

/** A slug out of a name: what it may have of it, 50 characters at most. */
const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 50)
    .replace(/-+$/, '')

/** Name and slug of one more organisation, whose administrator its maker becomes. */
export const CreateOrganization = ({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) => {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [typedSlug, setTypedSlug] = useState<string | null>(null)
  const slug = typedSlug ?? slugOf(name)
  const nameBox = useRef<HTMLInputElement>(null)
  const slugBox = useRef<HTMLInputElement>(null)

  const wrongOf = (error: unknown): Readonly<Record<string, string>> =>
    error instanceof PatchbayProblem && error.code === 'slug_taken' ? { slug: error.detail } : fieldErrorsOf(error)

  const create = useMutation({
    mutationFn: () => patchbay.organizations.create({ name: name.trim(), slug }),
    onSuccess: async made => {
      await queries.invalidateQueries({ queryKey: ['organizations'] })
      tellDone(`${made.name} is created. Choose it in the list to go there.`)
      setName('')
      setTypedSlug(null)
      onClose()
    },
    onError: error => {
      const wrong = wrongOf(error)
      if (wrong.name !== undefined) nameBox.current?.focus()
      else if (wrong.slug !== undefined) slugBox.current?.focus()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  const wrong = wrongOf(create.error)
  return (
    <Modal opened={opened} onClose={onClose} title="Create an organisation">
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <TextInput
            ref={nameBox}
            label="Name"
            placeholder="Acme"
            value={name}
            onChange={event => setName(event.currentTarget.value)}
            error={wrong.name}
            data-autofocus
          />
          <TextInput
            ref={slugBox}
            label="Slug"
            description="Lower-case letters, digits, _ and -, beginning with a letter. It cannot be changed later."
            placeholder="acme"
            value={slug}
            onChange={event => setTypedSlug(event.currentTarget.value)}
            error={wrong.slug}
            spellCheck={false}
            autoCapitalize="none"
          />
          {create.error && Object.keys(wrong).length === 0 && <ProblemNote error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
