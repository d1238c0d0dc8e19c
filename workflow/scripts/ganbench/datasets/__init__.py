"""The stage that prepares datasets: finds images, splits them, and writes a card about them."""
