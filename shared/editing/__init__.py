"""What people do with mapping documents before they count: drafts, forms, checks, previews."""
