/** What `exuvia settings init` writes: every setting, commented out, with its default. */
export const settingsTemplate = `// Settings of Exuvia. Take the slashes away from what you want to change; exuvia settings shows what is in force.
{
  backup: {
    // Back up by itself: run "exuvia schedule enable" once after changing these two.
    // auto: true,
    // schedule: "0 0 * * *", // minute, hour, day, month, weekday: every midnight

    // How long to keep snapshots: a number of days, or rules. Left out, everything is kept.
    // retention: 7,
    // retention: { keepLast: 10, keepDaily: 7, keepWeekly: 4, keepMonthly: 12, keepTags: ["keep"] },

    // Where snapshots are kept.
    // path: "~/.openclaw/backups",

    // A repository that is made is encrypted. Where its key is; with true it is asked for, or taken from EXUVIA_PASSPHRASE.
    // encryption: { keyFile: "~/.config/exuvia/backup.key" }, // or passphraseFile, passphraseCommand

    // Only these parts (see: exuvia backup components), and parts to leave out. Globs work too.
    // include: ["config", "credentials", "workspace", "memory"],
    // exclude: ["logs", "cache"],

    // compress: true,
    // skipIfUnchanged: false, // no new snapshot when nothing changed

    // Commands for your shell. They find EXUVIA_SNAPSHOT_ID, EXUVIA_REPOSITORY, EXUVIA_ARCHIVE and EXUVIA_STATS.
    // preBackup: "…",  // a failure stops the backup
    // postBackup: "rclone copy ~/.openclaw/backups remote:openclaw-backups",
    // onFailure: "…",  // finds EXUVIA_ERROR
    // hookTimeLimit: 3600, // seconds
  },
}
`;
