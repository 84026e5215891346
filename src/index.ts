export { ExuviaError, UsageError } from './model/errors.ts';
