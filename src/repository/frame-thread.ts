/** The program of a compressing thread. */
import { workerData } from 'node:worker_threads';
import { FrameQueue, type FrameQueueMemory } from './frame-queue.ts';

new FrameQueue(workerData as FrameQueueMemory).serve();
