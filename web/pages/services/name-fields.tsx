import { Autocomplete, Button, Textarea, TextInput } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { everyServiceQuery } from '../../parts/every-service.ts'
import { FormRow } from '../../parts/form-row.tsx'
import { linkNameFor } from '../../parts/link-name.ts'
import { linkNameProblem } from '../../parts/link-name.ts'
import { Fixed } from './fixed.tsx'
import type { FormPart } from './form-part.ts'
import { redirectHelp, RedirectUrl, useRedirectUrl } from './redirect-url.tsx'
import { hasRedirect } from '../../parts/service-words.ts'
import classes from './form.module.css'

/** What is wrong with a new service's link name, by the rule or because another service has it; null when nothing is. */
export const useLinkNameProblem = (linkName: string): string | null => {
  const services = useQuery(everyServiceQuery)
  const taken = services.data?.some(one => one.link_name === linkName) === true
  return linkNameProblem(linkName) ?? (taken ? 'Another service has this link name.' : null)
}

/** Name and link name, and what follows from them. */
export const NameFields = ({ draft, change, errors, stored }: FormPart) => {
  const { name, link_name } = draft
  const problem = useLinkNameProblem(link_name)
  const typedProblem = link_name === '' || stored ? null : problem
  // as long as the link name is the one that was proposed, it follows the name
  const rename = (next: string) =>
    change({ name: next, ...(!stored && (link_name === '' || link_name === linkNameFor(name)) && { link_name: linkNameFor(next) }) })
  return (
    <>
      <FormRow label="Name" help="What people look for in the list." error={errors.name}>
        {field => (
          <TextInput {...field} value={name} maxLength={200} autoComplete="off" onChange={event => rename(event.currentTarget.value)} />
        )}
      </FormRow>
      <FormRow
        label="Link name"
        help={
          stored
            ? 'Fixed: it stands in the redirect URL that is registered at the provider.'
            : 'What URLs and calls say. It cannot be changed later.'
        }
        error={typedProblem ?? errors.link_name}
      >
        {field =>
          stored ? (
            <Fixed>
              <code>{link_name}</code>
            </Fixed>
          ) : (
            <TextInput
              {...field}
              value={link_name}
              maxLength={60}
              autoComplete="off"
              spellCheck={false}
              autoCapitalize="off"
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              rightSection={
                problem === null && errors.link_name === undefined ? <IconCheck size={16} color="var(--green)" aria-label="Free" /> : null
              }
              onChange={event => change({ link_name: event.currentTarget.value })}
            />
          )
        }
      </FormRow>
      {hasRedirect(draft) && <RedirectRow linkName={link_name} known={stored?.redirect_url ?? null} />}
    </>
  )
}

const RedirectRow = ({ linkName, known }: { readonly linkName: string; readonly known: string | null }) => {
  const expected = useRedirectUrl(linkName)
  return (
    <FormRow label="Redirect URL" help={redirectHelp}>
      {field => <RedirectUrl url={known ?? expected} id={field.id} describedBy={field['aria-describedby']} />}
    </FormRow>
  )
}

/** What people read about it. None of it changes how it works. */
export const DescriptionFields = ({ draft, change, errors }: FormPart) => {
  const services = useQuery(everyServiceQuery)
  const given = [draft.description, draft.category, draft.documentation_url, draft.logo].some(text => text !== '')
  const wrong = ['description', 'category', 'documentation_url', 'logo'].some(field => errors[field] !== undefined)
  const [wanted, setWanted] = useState(false)
  const categories = [...new Set((services.data ?? []).flatMap(one => (one.category === null ? [] : [one.category])))].sort()
  const logos = [...new Set((services.data ?? []).flatMap(one => (one.logo === null ? [] : [one.logo])))].sort()
  if (!wanted && !wrong && !given)
    return (
      <Button variant="subtle" size="compact-sm" my="xs" className={classes.more ?? ''} onClick={() => setWanted(true)}>
        Add a description, category or logo
      </Button>
    )
  return (
    <>
      <FormRow label="Description" optional error={errors.description}>
        {field => (
          <Textarea
            {...field}
            autosize
            minRows={1}
            maxLength={2000}
            value={draft.description}
            onChange={event => change({ description: event.currentTarget.value })}
          />
        )}
      </FormRow>
      <FormRow label="Category" optional error={errors.category}>
        {field => (
          <Autocomplete {...field} data={categories} maxLength={50} value={draft.category} onChange={category => change({ category })} />
        )}
      </FormRow>
      <FormRow label="Documentation" optional help="The page of its API." error={errors.documentation_url}>
        {field => (
          <TextInput
            {...field}
            type="url"
            placeholder="https://developers.example.com/api"
            value={draft.documentation_url}
            onChange={event => change({ documentation_url: event.currentTarget.value.trim() })}
          />
        )}
      </FormRow>
      <FormRow
        label="Logo"
        optional
        help="The name of a logo of simple-icons, such as mailchimp. Without one, its first letter is shown."
        error={errors.logo}
      >
        {field => <Autocomplete {...field} data={logos} limit={8} maxLength={100} value={draft.logo} onChange={logo => change({ logo })} />}
      </FormRow>
    </>
  )
}
