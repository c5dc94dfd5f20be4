import { NEVER } from '../../log/log-config.ts';
import { LogTasks } from '../../log/log-tasks.ts';
import { ManualClock, manualSystem } from '../support/manual-clock.ts';

const start = (intervals: {
  readonly recoveryPointCheckpointMs: number;
  readonly logStartCheckpointMs: number;
}) => {
  const clock = new ManualClock();
  const done: string[] = [];
  const owner = {
    all: () => [],
    currentHighWatermark: () => 0,
    checkpointRecoveryPoints: async () => void done.push('recovery points'),
    checkpointLogStarts: async () => void done.push('log starts'),
  };
  const others = { retentionCheckMs: NEVER, producerExpirationCheckMs: NEVER };
  const tasks = new LogTasks(manualSystem(clock), owner, {
    ...others,
    initialDelayMs: 30,
    ...intervals,
  });
  tasks.start();
  return { clock, done, tasks };
};

test('each kind of checkpoint has an interval of its own', async () => {
  const { clock, done, tasks } = start({ recoveryPointCheckpointMs: 10, logStartCheckpointMs: 20 });
  await clock.advance(29);
  expect(done).toEqual([]);
  await clock.advance(21);
  expect(done.filter((name) => name === 'recovery points')).toHaveLength(3);
  expect(done.filter((name) => name === 'log starts')).toHaveLength(2);
  await tasks.stop();
  expect(clock.timerCount).toBe(0);
});

test('an interval of zero is once, one without end never', async () => {
  const { clock, done } = start({ recoveryPointCheckpointMs: 0, logStartCheckpointMs: NEVER });
  await clock.advance(1000);
  expect(done).toEqual(['recovery points']);
  expect(clock.timerCount).toBe(0);
});
