import { createTheme, defaultVariantColorsResolver, type MantineColorsTuple, type VariantColorsResolver } from '@mantine/core'
import classes from './theme.module.css'

/** The one accent: a deep teal, light enough for 4.5 : 1 on the dark ground at its fourth step. */
const cable: MantineColorsTuple = [
  '#effcf9',
  '#d3f6ef',
  '#a5ece0',
  '#5eead4',
  '#2dd4bf',
  '#14b8a6',
  '#0d9488',
  '#0f766e',
  '#115e59',
  '#134e4a',
]

const gray: MantineColorsTuple = [
  '#f8fafc',
  '#f1f5f9',
  '#e2e8f0',
  '#cbd5e1',
  '#94a3b8',
  '#64748b',
  '#475569',
  '#334155',
  '#1e293b',
  '#0f172a',
]

/** From text (0) to the deepest ground (9); 7 is the page. */
const dark: MantineColorsTuple = [
  '#e6ebf2',
  '#c3cddb',
  '#a4b1c4',
  '#8a99b0',
  '#33425a',
  '#223048',
  '#18233a',
  '#0f1724',
  '#0b111b',
  '#070b12',
]

/** Mantine chooses the text on a filled button by the light scheme's shade; these hold 4.5 : 1 in both. */
const variantColorResolver: VariantColorsResolver = input => {
  const colors = defaultVariantColorsResolver(input)
  const accent = input.color === undefined || input.color === 'cable'
  // Mantine's own is so dark on light, and so light on dark, that it reads as text
  if (accent && input.variant === 'subtle') return { ...colors, color: 'var(--accent)' }
  if (input.variant !== 'filled') return colors
  if (input.color === 'red') return { ...colors, background: 'var(--danger)', hover: 'var(--danger-hover)', color: '#ffffff' }
  return accent ? { ...colors, color: 'var(--on-accent)' } : colors
}

export const theme = createTheme({
  primaryColor: 'cable',
  primaryShade: { light: 7, dark: 4 },
  variantColorResolver,
  colors: { cable, gray, dark },
  white: '#ffffff',
  black: '#0f172a',
  fontFamily: "'Inter Variable', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.4' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.25rem', lineHeight: '1.4' },
      h2: { fontSize: '1rem', lineHeight: '1.5' },
      h3: { fontSize: '0.875rem', lineHeight: '1.5' },
    },
  },
  defaultRadius: 'sm',
  radius: { xs: '0.1875rem', sm: '0.375rem', md: '0.5rem', lg: '0.75rem', xl: '1rem' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'sm' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm' } },
    Modal: {
      classNames: { title: classes.dialogTitle ?? '' },
      defaultProps: {
        centered: false,
        overlayProps: { backgroundOpacity: 0.45 },
        transitionProps: { duration: 140 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    // a header of the page is a landmark; a dialog's is not
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    // it puts an element that is no item into the menu; the first item takes the focus instead
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Tooltip: {
      defaultProps: { withArrow: false, openDelay: 250, multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } },
    },
    Tabs: { classNames: { tab: classes.tab ?? '' } },
    Anchor: { defaultProps: { underline: 'always' } },
    Table: { defaultProps: { verticalSpacing: 'sm', fz: 'sm' } },
  },
})
