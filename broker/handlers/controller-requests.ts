/**
 * Requests that are the controller's business alone: it gets them as they are and its answer goes
 * back as it is. A controller that is not active answers for itself that it is not the one.
 */
import { apis } from '../../protocol/apis.ts';
import { handler } from './handler.ts';

export const alterPartitionHandler = handler(
  apis.alterPartition,
  ({ controller }, request, { apiVersion }) => controller.alterPartition(request, apiVersion),
);

export const controlledShutdownHandler = handler(
  apis.controlledShutdown,
  ({ controller }, request, { apiVersion }) => controller.controlledShutdown(request, apiVersion),
);

export const allocateProducerIdsHandler = handler(
  apis.allocateProducerIds,
  ({ controller }, request, { apiVersion }) => controller.allocateProducerIds(request, apiVersion),
);

export const alterPartitionReassignmentsHandler = handler(
  apis.alterPartitionReassignments,
  ({ controller }, request, { apiVersion }) =>
    controller.alterPartitionReassignments(request, apiVersion),
);

export const listPartitionReassignmentsHandler = handler(
  apis.listPartitionReassignments,
  ({ controller }, request, { apiVersion }) =>
    controller.listPartitionReassignments(request, apiVersion),
);

export const updateFeaturesHandler = handler(
  apis.updateFeatures,
  ({ controller }, request, { apiVersion }) => controller.updateFeatures(request, apiVersion),
);
