/** What proposals may be listed by. */
export const proposalStatuses = ['pending', 'approved', 'rejected', 'superseded', 'withdrawn', 'all'] as const;
