import { runStatuses } from '../sdk/index.ts'
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { Frame } from './frame/frame.tsx'
import { NotFound, PageFailed } from './frame/not-found.tsx'
import { oneOf, optional, optionalText, optionalTexts } from './search.ts'

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound })

export const connectionViews = ['own', 'others', 'available', 'all'] as const
export const functionViews = ['list', 'runs', 'schedules', 'variables'] as const
export const functionParts = ['editor', 'runs', 'history', 'exposure', 'schedules', 'variables'] as const
const runDoors = ['editor', 'api', 'schedule', 'public'] as const
const statuses = ['authorization_required', 'connected', 'refresh_failing', 'reauthorization_required', 'revoked'] as const

/** Every page, on one screen. Each is a file of its own, fetched when it is first opened. */
const routes = [
  createRoute({
    getParentRoute: () => root,
    path: '/',
    beforeLoad: () => {
      throw redirect({ to: '/connections' })
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/connections',
    validateSearch: (search: Record<string, unknown>) =>
      optional({
        view: oneOf(connectionViews, search.view),
        q: optionalText(search.q),
        status: oneOf(statuses, search.status),
        service: optionalText(search.service),
      }),
    component: lazyRouteComponent(() => import('./pages/connections/connections.tsx'), 'Connections'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/connections/$linkName',
    component: lazyRouteComponent(() => import('./pages/connection/connection.tsx'), 'ConnectionSummary'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/add-connection',
    validateSearch: (search: Record<string, unknown>) =>
      optional({ service: optionalText(search.service), link_name: optionalText(search.link_name), scopes: optionalTexts(search.scopes) }),
    component: lazyRouteComponent(() => import('./pages/add-connection/add-connection.tsx'), 'AddConnection'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/authorized',
    validateSearch: (search: Record<string, unknown>) => optional({ connection: optionalText(search.connection) }),
    component: lazyRouteComponent(() => import('./pages/add-connection/authorized.tsx'), 'Authorized'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/welcome',
    component: lazyRouteComponent(() => import('./pages/welcome/welcome.tsx'), 'Welcome'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/services',
    validateSearch: (search: Record<string, unknown>) =>
      optional({
        kind: oneOf(['default', 'custom'] as const, search.kind),
        q: optionalText(search.q),
        category: optionalText(search.category),
      }),
    component: lazyRouteComponent(() => import('./pages/services/services.tsx'), 'Services'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/services/$linkName',
    component: lazyRouteComponent(() => import('./pages/services/service.tsx'), 'ServicePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/services/$linkName/edit',
    component: lazyRouteComponent(() => import('./pages/services/edit-service.tsx'), 'EditService'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/add-service',
    validateSearch: (search: Record<string, unknown>) => optional({ connect: search.connect === true ? true : undefined }),
    component: lazyRouteComponent(() => import('./pages/services/add-service.tsx'), 'AddService'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/functions',
    validateSearch: (search: Record<string, unknown>) =>
      optional({
        view: oneOf(functionViews, search.view),
        q: optionalText(search.q),
        namespace: optionalText(search.namespace),
        status: oneOf(runStatuses, search.status),
        door: oneOf(runDoors, search.door),
      }),
    component: lazyRouteComponent(() => import('./pages/functions/functions.tsx'), 'Functions'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/functions/$namespace/$name',
    validateSearch: (search: Record<string, unknown>) => optional({ part: oneOf(functionParts, search.part) }),
    component: lazyRouteComponent(() => import('./pages/functions/function.tsx'), 'FunctionPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/add-function',
    component: lazyRouteComponent(() => import('./pages/functions/add-function.tsx'), 'AddFunction'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/bring-scripts',
    component: lazyRouteComponent(() => import('./pages/functions/bring-scripts.tsx'), 'BringScripts'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/invocations',
    validateSearch: (search: Record<string, unknown>) =>
      optional({
        connection: optionalText(search.connection),
        user: optionalText(search.user),
        status: optionalText(search.status),
        hours: typeof search.hours === 'number' ? search.hours : undefined,
        live: search.live === true ? true : undefined,
      }),
    component: lazyRouteComponent(() => import('./pages/invocations/invocations.tsx'), 'Invocations'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/audit',
    validateSearch: (search: Record<string, unknown>) =>
      optional({
        action: optionalText(search.action),
        actor: optionalText(search.actor),
        object: optionalText(search.object),
        since: optionalText(search.since),
      }),
    component: lazyRouteComponent(() => import('./pages/audit/audit.tsx'), 'Audit'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/members',
    component: lazyRouteComponent(() => import('./pages/members/members.tsx'), 'Members'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/api-keys',
    component: lazyRouteComponent(() => import('./pages/api-keys/api-keys.tsx'), 'ApiKeys'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/settings',
    component: lazyRouteComponent(() => import('./pages/settings/settings.tsx'), 'Settings'),
  }),
] as const

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  defaultErrorComponent: PageFailed,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
