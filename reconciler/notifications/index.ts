/** Signed webhooks that tell others what became of a revision. */
export { type NotificationOptions, type Notifications, openNotifications } from './notifications.ts';
