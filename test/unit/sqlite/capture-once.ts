/** Captures one database and prints the result and what is wrong with the copy. Arguments: staging folder, database. */
import { byteStringOf } from '../../../src/model/paths.ts';
import { CaptureProcess } from '../../../src/sqlite/capture.ts';
import { databaseProblems } from '../../helpers/sqlite-writer.ts';

const [, , stagingDir = '', path = ''] = process.argv;
await using captures = new CaptureProcess();
const result = await captures.capture(byteStringOf(path), stagingDir);
const problems = result.kind === 'captured' ? databaseProblems(result.copyPath) : [];
console.log(JSON.stringify({ result, problems }));
