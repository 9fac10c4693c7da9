import { IconCircle, IconCircleCheck, IconClockHour4 } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { Service } from '../../../sdk/index.ts'
import { CopyText } from '../../parts/copy.tsx'
import { ButtonLink } from '../../parts/links.tsx'
import { ServiceLogo } from '../../parts/service-logo.tsx'
import { authTypeName, categoryName } from '../../parts/service-words.ts'
import classes from './services.module.css'

/** Whether it can be connected now, in words. */
export const ServiceState = ({ service }: { readonly service: Service }) => {
  if (service.configured)
    return (
      <span className={classes.state}>
        <IconCircleCheck size={15} className={classes.ready} aria-hidden />
        Ready
      </span>
    )
  return (
    <span className={classes.state}>
      {service.requested_by_me ? (
        <IconClockHour4 size={15} className={classes.waiting} aria-hidden />
      ) : (
        <IconCircle size={15} aria-hidden />
      )}
      {service.requested_by_me ? 'Asked for' : 'No client yet'}
    </span>
  )
}

interface Row {
  readonly service: Service
  readonly mayCreate: boolean
  /** Then the connections are everybody’s, otherwise one’s own. */
  readonly administrator: boolean
}

export const ServiceRow = ({ service, mayCreate, administrator }: Row) => {
  const { link_name, name, logo, description, category, kind, auth_type, connections } = service
  const counted = `${connections} ${administrator ? '' : 'own '}${connections === 1 ? 'connection' : 'connections'}`
  return (
    <div className={classes.row} data-row>
      <ServiceLogo name={name} logo={logo} />
      <div className={classes.texts}>
        <div className={classes.names}>
          <Link to="/services/$linkName" params={{ linkName: link_name }} className={`${classes.name} outside`} data-open>
            {name}
          </Link>
          <span className={classes.linkName}>
            <CopyText value={link_name} label="link name" />
          </span>
        </div>
        {description !== null && <div className={`${classes.description} outside`}>{description}</div>}
      </div>
      <span className={classes.fact}>{authTypeName(auth_type)}</span>
      <span className={`${classes.fact} ${classes.category} outside`}>
        {category === null ? (kind === 'custom' ? 'Custom' : '') : categoryName(category)}
      </span>
      <span className={`${classes.connections} tabular`}>
        {connections > 0 && (
          <Link
            to="/connections"
            search={{ service: link_name, ...(administrator && { view: 'all' as const }) }}
            aria-label={`${counted} with ${name}`}
            className={classes.counted}
          >
            {connections}
            <span className={classes.countedWords}> {counted.slice(counted.indexOf(' ') + 1)}</span>
          </Link>
        )}
      </span>
      <ServiceState service={service} />
      {mayCreate && (
        <ButtonLink
          to="/add-connection"
          search={{ service: link_name }}
          variant="default"
          size="xs"
          className={classes.action ?? ''}
          aria-label={`Create connection with ${name}`}
        >
          Create connection
        </ButtonLink>
      )}
    </div>
  )
}
