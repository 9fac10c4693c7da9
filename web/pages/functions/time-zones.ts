/** Every zone of this browser, with the one that is chosen, whatever it is. */
export const timeZones = (chosen: string): string[] => [...new Set(['UTC', chosen, ...Intl.supportedValuesOf('timeZone')])]
