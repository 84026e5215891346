/** Exuvia's library: what the command line is made of. */

export type {
  BinaryDiff,
  CellValue,
  ContentDiff,
  DiffNote,
  JsonChange,
  JsonDiff,
  RecordChange,
  RecordsDiff,
  RowDiff,
  SqliteDiff,
  TableDiff,
  TextDiff,
  TextHunk,
  TextLine,
} from './diff/content-diff.ts';
export { diffJson } from './diff/diff-json.ts';
export {
  type ErrorKind,
  ExuviaError,
  FileSystemError,
  InterruptedError,
  knownErrorOf,
  LockedError,
  NoRepositoryError,
  UsageError,
} from './model/errors.ts';
export type { BlobId, PackId, SnapshotId } from './model/ids.ts';
export { type Progress, silentProgress } from './model/progress.ts';
export type {
  SkippedPath,
  Snapshot,
  SnapshotHead,
  SnapshotRecord,
  SnapshotSource,
  SnapshotStats,
  UnreadableFile,
} from './model/snapshot.ts';
export { type ComponentName, componentNames, components } from './openclaw/components.ts';
export { discoverHome, type OpenClawHome } from './openclaw/discovery.ts';
export { type BlamedFile, type BlamedLine, blamePath } from './operations/blame-path.ts';
export {
  type CheckedRepository,
  type CheckFinding,
  type CheckOptions,
  checkRepository,
  type DataSubset,
} from './operations/check-repository.ts';
export { type ConfiguredBackup, createConfiguredBackup } from './operations/configured-backup.ts';
export {
  type ConversionGoal,
  type ConvertedRepository,
  convertRepository,
} from './operations/convert-repository.ts';
export { type CreatedBackup, type CreateOptions, createBackup } from './operations/create-backup.ts';
export {
  type BackupDiff,
  comparedNames,
  type DiffEntry,
  type DiffOptions,
  type DiffState,
  type DiffTotals,
  diffBackups,
} from './operations/diff-backups.ts';
export type { DoctorLine, DoctorReport } from './operations/doctor.ts';
export { type Environment, systemEnvironment } from './operations/environment.ts';
export {
  type ArchiveFormat,
  type ArchiveLayout,
  type ExportedArchive,
  type ExportTarget,
  exportBackup,
} from './operations/export-backup.ts';
export { type ExportConfigOptions, type ExportedConfig, exportConfig } from './operations/export-config.ts';
export {
  type ExportedSession,
  type ExportedSessions,
  type ExportSessionsOptions,
  exportSessions,
} from './operations/export-sessions.ts';
export { type ForgetOptions, type ForgottenBackups, forgetBackups } from './operations/forget-backups.ts';
export {
  type GrepMatch,
  type GrepOptions,
  type GrepResult,
  grepBackups,
} from './operations/grep-backups.ts';
export { type ImportedArchive, type ImportOptions, importArchive } from './operations/import-archive.ts';
export {
  type ImportConfigOptions,
  type ImportedConfig,
  importConfig,
  readConfigInput,
} from './operations/import-config.ts';
export {
  type ImportedSession,
  type ImportedSessions,
  type ImportSessionsOptions,
  importSessions,
  readSessionsInput,
} from './operations/import-sessions.ts';
export type { KeySource, KeyWords } from './operations/key-source.ts';
export {
  type ListedComponent,
  type ListedComponents,
  listComponents,
} from './operations/list-components.ts';
export { type FoundPath, findPaths, logPath } from './operations/log-paths.ts';
export type { PathLog, PathVersion, SnapshotName } from './operations/path-history.ts';
export type { PlaceOptions } from './operations/places.ts';
export { openRepository } from './operations/places.ts';
export type { ConfigInput } from './operations/plan-config-import.ts';
export {
  type PrunedRepository,
  type PruneOptions,
  pruneRepository,
} from './operations/prune-repository.ts';
export { type PurgedPaths, purgePaths } from './operations/purge-paths.ts';
export {
  type BackupList,
  backupStats,
  catFile,
  type ListedEntry,
  listBackupHeads,
  listBackups,
  listFiles,
  type RebuiltIndex,
  type RepositoryStats,
  rebuildIndex,
  showBackup,
} from './operations/read-backups.ts';
export { type RepairedRepository, repairRepository } from './operations/repair-repository.ts';
export {
  type ChangedSnapshots,
  changeSnapshots,
  type TagChanges,
} from './operations/replace-snapshots.ts';
export {
  addKey,
  changeKey,
  exportKey,
  type ListedKey,
  type ListedKeys,
  listKeys,
  lockAgain,
  type NewKeyWords,
  removeKey,
  unlockForAWhile,
} from './operations/repository-keys.ts';
export {
  type RestoredBackup,
  type RestoredSource,
  type RestoreOptions,
  restoreBackup,
  undoRestore,
} from './operations/restore-backup.ts';
export {
  type InstalledShim,
  installShim,
  removeShim,
  type ShimOptions,
  type ShimStatus,
  shimStatus,
} from './operations/shim.ts';
export { initSettings, type ShownSettings, showSettings, trustSettings } from './operations/show-settings.ts';
export { type Finding, type VerifiedBackup, verifyBackup } from './operations/verify-backup.ts';
export { exuviaVersion } from './operations/version.ts';
export { planPage, writePage } from './operations/write-page.ts';
export type { DaemonEvent } from './scheduler/daemon.ts';
export { runDoctor } from './scheduler/doctor.ts';
export type { TimerMethod, TimerStep } from './scheduler/platform/job.ts';
export {
  runSchedule,
  runScheduledBackup,
  runScheduledBackupIfDue,
  type ScheduledBackup,
  type ScheduleTimes,
  scheduleTimes,
} from './scheduler/run-schedule.ts';
export {
  type ChangedTimers,
  disableTimer,
  enableTimer,
  type InstalledTimer,
  listTimers,
  type TimerOptions,
  type TimerProgram,
} from './scheduler/timers.ts';
export { type WatchEvent, type WatchOptions, watchHome } from './scheduler/watch-home.ts';
