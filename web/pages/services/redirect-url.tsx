import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { meQuery } from '../../client.ts'
import { CopyIcon } from '../../parts/copy.tsx'
import { everyServiceQuery } from '../../parts/every-service.ts'
import classes from './form.module.css'

/** What is to be pasted at the provider: read-only, one click to copy. */
export const RedirectUrl = ({
  url,
  id,
  describedBy,
}: {
  readonly url: string
  readonly id?: string
  readonly describedBy?: string | undefined
}) => (
  <div className={classes.redirect}>
    <textarea
      id={id}
      rows={1}
      spellCheck={false}
      className={classes.redirectText}
      readOnly
      value={url}
      aria-label={id === undefined ? 'Redirect URL' : undefined}
      aria-describedby={describedBy}
      onFocus={event => event.currentTarget.select()}
    />
    <CopyIcon value={url} label="Copy the redirect URL" />
  </div>
)

/** The redirect URL that a service of this link name will have. The server says it under its public URL; that of another service shows it. */
export const useRedirectUrl = (linkName: string): string => {
  const me = useQuery(meQuery)
  const services = useQuery(everyServiceQuery)
  const known = services.data?.find(one => one.redirect_url?.endsWith(`/${one.link_name}`))
  const before =
    known?.redirect_url?.slice(0, -known.link_name.length) ?? `${location.origin}/oauth/callback/${me.data?.organization.slug ?? '…'}/`
  return before + (linkName || '<link name>')
}

/** Where it is pasted. */
export const redirectHelp: ReactNode =
  'Paste it where the app is registered at the provider, as an allowed redirect or callback URL, exactly as it stands here.'
