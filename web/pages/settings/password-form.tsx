import { Button, PasswordInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useRef, useState, type FormEvent } from 'react'
import { patchbay } from '../../client.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { fieldErrorsOf, ProblemNote, tellDone } from '../../parts/problem.tsx'
import { UnsavedGuard } from '../../parts/unsaved.tsx'
import classes from './settings.module.css'

/** Another password, with the current one. Other sessions end. */
export const PasswordForm = ({ email }: { readonly email: string }) => {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const currentBox = useRef<HTMLInputElement>(null)
  const nextBox = useRef<HTMLInputElement>(null)
  const change = useMutation({
    mutationFn: () => patchbay.account.changePassword({ current_password: current, new_password: next }),
    onSuccess: () => {
      setCurrent('')
      setNext('')
      tellDone('Your password is changed. Your other sessions have ended.')
    },
    onError: error => {
      const wrong = fieldErrorsOf(error)
      if (wrong.current_password !== undefined) currentBox.current?.focus()
      else if (wrong.new_password !== undefined) nextBox.current?.focus()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  const wrong = fieldErrorsOf(change.error)
  return (
    <form onSubmit={submit} noValidate>
      <UnsavedGuard unsaved={(current !== '' || next !== '') && !change.isPending} />
      {/* for password managers, which want to know whose it is */}
      <input type="email" name="username" autoComplete="username" value={email} readOnly hidden />
      <FormRow label="Current password" error={wrong.current_password}>
        {field => (
          <PasswordInput
            {...field}
            aria-invalid={field.error !== undefined}
            ref={currentBox}
            autoComplete="current-password"
            value={current}
            onChange={event => setCurrent(event.currentTarget.value)}
          />
        )}
      </FormRow>
      <FormRow
        label="New password"
        help="A few words are easier to remember than symbols, and harder to guess. Your other sessions end; this one stays."
        error={wrong.new_password}
      >
        {field => (
          <PasswordInput
            {...field}
            aria-invalid={field.error !== undefined}
            ref={nextBox}
            autoComplete="new-password"
            value={next}
            onChange={event => setNext(event.currentTarget.value)}
          />
        )}
      </FormRow>
      {change.error && Object.keys(wrong).length === 0 && <ProblemNote error={change.error} />}
      <div className={classes.actions}>
        <Button type="submit" variant="default" loading={change.isPending} disabled={current === '' || next === ''}>
          Change the password
        </Button>
      </div>
    </form>
  )
}
